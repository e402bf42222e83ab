// Package checkup judges the settings and limits of a host (CW3xx, CW402 to CW404), and says of every check of the contract what came of it. It is pure: what it judges was read
// before.
package checkup
