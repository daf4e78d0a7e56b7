package tools

// sentence is an error in the words of the person at the terminal; its kind is for errors.Is.
type sentence struct {
	text string
	kind error
}

func (s *sentence) Error() string { return s.text }

func (s *sentence) Unwrap() error { return s.kind }
