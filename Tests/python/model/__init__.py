"""The fuzzer of the whole relay: random frames of many connections, judged by a model of the contract."""
