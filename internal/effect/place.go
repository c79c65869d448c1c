package effect

// Place is the one name of a file, by the path as a call or OpenClaw writes it and
// the folder that relative paths start from, which may be "": absolute where that
// is known, with every home directory as "~".
func Place(path, folder string) string { return clean(path, folder) }
