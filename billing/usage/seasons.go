package usage

// Seasons is the cells cut where a register begins to count another band: there, as at the borders of the cells, a reading is wanted.
// Cells without such a border come back as they are.
func Seasons(cells []Cell) []Cell { return seasons(cells) }
