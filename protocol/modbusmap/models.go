package modbusmap

// models is the list, by name. A new meter is a new table in a file of its own and a word here.
var models = []Model{dds238, sdm230}
