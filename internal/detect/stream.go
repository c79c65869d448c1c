package detect

import "strings"

// Stream cuts secrets out of a text that comes in pieces: those with a
// recognisable beginning and those of this machine. However the text is
// cut, what comes out is the same. It holds back only what could still become a
// secret, at most 4 KiB; all else passes at once.
type Stream struct {
	set  *set
	mark Mark

	held string // what waits, behind past bytes that went on
	past int    // context: bytes of held that were given out already
	open *shape // a secret that was marked and goes on
}

// NewStream makes a Stream for one text. Both arguments may be nil: no
// secrets of this machine, DefaultMark.
func NewStream(k *Known, mark Mark) *Stream {
	s := &Stream{set: known, mark: mark}
	if k != nil {
		s.set = k.all
	}
	if mark == nil {
		s.mark = DefaultMark
	}
	return s
}

// Write takes the next piece and returns what may go on.
func (s *Stream) Write(piece string) string { return s.take(piece, false) }

// Close returns the rest. The Stream can then take another text.
func (s *Stream) Close() string {
	out := s.take("", true)
	s.held, s.past, s.open = "", 0, nil
	return out
}

// Held is how many bytes wait.
func (s *Stream) Held() int { return len(s.held) - s.past }

func (s *Stream) take(piece string, ends bool) string {
	text := s.held + piece
	if s.open != nil {
		end, closed := s.open.extent(text, 0)
		if !closed && !ends {
			s.held = text[max(0, len(text)-ahead):]
			return ""
		}
		text, s.past, s.open = text[end-1:], 1, nil
	}
	from := s.past
	var out strings.Builder
	given := from
	safe, open := s.set.scan(text, from, ends, func(sh *shape, start, end int) {
		out.WriteString(text[given:start])
		out.WriteString(s.mark(sh.finding(start, end), text[start:end]))
		given = end
	})
	if open != nil {
		s.held, s.past, s.open = text[len(text)-ahead:], 0, open
		return out.String()
	}
	if given == from && safe == len(text) && from == 0 {
		s.remember(text, safe)
		return text
	}
	out.WriteString(text[given:safe])
	s.remember(text, safe)
	return out.String()
}

// remember keeps what waits, and one byte before it for context.
func (s *Stream) remember(text string, safe int) {
	s.past = min(safe, 1)
	s.held = text[safe-s.past:]
}
