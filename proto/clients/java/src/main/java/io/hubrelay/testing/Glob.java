package io.hubrelay.testing;

import java.nio.charset.StandardCharsets;

/**
 * Redis's glob patterns, which match bytes: *, ?, [abc], [^a], [a-z], and \ before a byte that has no special meaning.
 */
final class Glob {
    private final byte[] pattern;
    private final byte[] text;

    private Glob(String pattern, String text) {
        this.pattern = pattern.getBytes(StandardCharsets.UTF_8);
        this.text = text.getBytes(StandardCharsets.UTF_8);
    }

    static boolean matches(String pattern, String text) {
        return new Glob(pattern, text).matches(0, 0);
    }

    private boolean matches(int patternFrom, int textFrom) {
        int p = patternFrom;
        int t = textFrom;
        while (p < pattern.length) {
            if (pattern[p] == '*') {
                for (int rest = t; rest <= text.length; rest++) {
                    if (matches(p + 1, rest)) {
                        return true;
                    }
                }
                return false;
            }
            if (t == text.length) {
                return false;
            }
            int end = p + 1;
            if (pattern[p] == '[') {
                end = endOfClass(p);
                if (!isInClass(p + 1, end - 1, text[t])) {
                    return false;
                }
            } else if (pattern[p] != '?') {
                if (pattern[p] == '\\' && end < pattern.length) {
                    p++;
                    end++;
                }
                if (pattern[p] != text[t]) {
                    return false;
                }
            }
            p = end;
            t++;
        }
        return t == text.length;
    }

    private int endOfClass(int from) {
        for (int i = from + 1; i < pattern.length; i++) {
            if (pattern[i] == ']') {
                return i + 1;
            }
        }
        return pattern.length + 1; // a class without a closing bracket extends to the end of the pattern
    }

    private boolean isInClass(int from, int to, byte b) {
        boolean negated = from < to && pattern[from] == '^';
        boolean found = false;
        for (int i = negated ? from + 1 : from; i < to; i++) {
            if (i + 2 < to && pattern[i + 1] == '-') {
                found |= pattern[i] <= b && b <= pattern[i + 2];
                i += 2;
            } else {
                found |= pattern[i] == b;
            }
        }
        return found != negated;
    }
}
