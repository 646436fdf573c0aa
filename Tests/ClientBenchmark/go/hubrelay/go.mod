module bench

go 1.19

require (
	hubrelay v0.0.0
	measure v0.0.0
)

replace (
	hubrelay => ../../../../proto/clients/go
	measure => ../measure
)
