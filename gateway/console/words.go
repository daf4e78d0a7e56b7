package console

// dictionaries are the pages' words by language; their key sets are equal, which a test asserts.
var dictionaries = map[string]map[string]string{"en": english, "zh": chinese}
