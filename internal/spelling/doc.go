// Package spelling measures how far apart two words are, so that whoever mistypes one can be asked what was meant.
package spelling
