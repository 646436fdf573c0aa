/// The version of this program, as `hubrelay --version`, Welcome frames, /health and the metrics show it.
package let hubrelayVersion = "0.2.0"
