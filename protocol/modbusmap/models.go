package modbusmap

// models is the list, by name. A new meter is a new table in a file of its own and a word here.
var models = []Model{
	adf400lSingle,
	adf400lThree,
	adl3000,
	adl400,
	adw300,
	ddsy1352,
	ddsu666,
	dtsu666,
	dtsu666Old,
	dds238,
	sdm120,
	sdm220,
	sdm230,
	sdm630,
	em340,
	lx47le,
	lx47leRegister,
}
