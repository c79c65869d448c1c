package wire

func newAnthropic(w *rewriter) format { return nil }

func (q *Request) anthropicStream(text string) []byte { return nil }
func (q *Request) anthropicAnswer(text string) []byte { return nil }
