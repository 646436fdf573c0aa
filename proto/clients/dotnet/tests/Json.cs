using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Hubrelay.Tests
{
    /// <summary>
    /// Reads JSON: objects are dictionaries, arrays are lists, and numbers are their text. Mono 6.8 as Debian packages it has
    /// no reader of its own.
    /// </summary>
    internal sealed class Json
    {
        private readonly string text;
        private int at;

        private Json(string text)
        {
            this.text = text;
        }

        public static Dictionary<string, object> Parse(string text)
        {
            return (Dictionary<string, object>)new Json(text).Value();
        }

        private object Value()
        {
            Space();
            switch (text[at])
            {
                case '{': return Object();
                case '[': return List();
                case '"': return Text();
                default: return Word();
            }
        }

        private Dictionary<string, object> Object()
        {
            var result = new Dictionary<string, object>();
            at++;
            for (Space(); text[at] != '}'; Space())
            {
                string key = Text();
                Space();
                at++; // the colon
                result[key] = Value();
                Comma();
            }
            at++;
            return result;
        }

        private List<object> List()
        {
            var result = new List<object>();
            at++;
            for (Space(); text[at] != ']'; Space())
            {
                result.Add(Value());
                Comma();
            }
            at++;
            return result;
        }

        private string Text()
        {
            var result = new StringBuilder();
            for (at++; text[at] != '"'; at++)
            {
                if (text[at] != '\\')
                {
                    result.Append(text[at]);
                    continue;
                }
                at++;
                switch (text[at])
                {
                    case 'u':
                        result.Append((char)int.Parse(text.Substring(at + 1, 4), NumberStyles.HexNumber));
                        at += 4;
                        break;
                    case 'n': result.Append('\n'); break;
                    case 't': result.Append('\t'); break;
                    case 'r': result.Append('\r'); break;
                    case 'b': result.Append('\b'); break;
                    case 'f': result.Append('\f'); break;
                    default: result.Append(text[at]); break;
                }
            }
            at++;
            return result.ToString();
        }

        private object Word()
        {
            int begin = at;
            while (at < text.Length && ",]} \t\r\n".IndexOf(text[at]) < 0)
            {
                at++;
            }
            string word = text.Substring(begin, at - begin);
            return word == "null" ? null : word == "true" ? true : word == "false" ? (object)false : word;
        }

        private void Comma()
        {
            Space();
            if (text[at] == ',')
            {
                at++;
            }
        }

        private void Space()
        {
            while (char.IsWhiteSpace(text[at]))
            {
                at++;
            }
        }
    }
}
