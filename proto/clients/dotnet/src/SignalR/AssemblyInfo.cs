using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Hubrelay.Tests")]
