module bench

go 1.19

require (
	github.com/gomodule/redigo v1.8.3
	measure v0.0.0
)

replace measure => ../measure
