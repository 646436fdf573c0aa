module bench

go 1.19

require (
	github.com/redis/go-redis/v9 v9.14.0
	measure v0.0.0
)

replace measure => ../measure
