package netns

// ParseLink, ParseKernelThread and Unescape are the parsers of single words and lines.
var (
	ParseLink         = parseLink
	ParseKernelThread = parseKernelThread
	Unescape          = unescape
)

// DoRestoring is File.Do with another way back, for what happens when there is none.
func (f *File) DoRestoring(fn func() error, restore func(fd int) error) error {
	return f.do(fn, restore)
}
