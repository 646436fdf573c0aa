module hubrelay

go 1.19
