package measure

import "runtime/debug"

// Version is the version of a module in this program.
func Version(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path {
				return module.Version
			}
		}
	}
	return "of unknown version"
}
