package detect

// Injections finds text that tries to command the model.
func Injections(text string, d Direction) []Finding { return nil }
