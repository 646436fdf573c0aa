package io.hubrelay.conformance;

import io.hubrelay.ClosedException;
import io.hubrelay.CongestedException;
import io.hubrelay.DeliveryUnknownException;
import io.hubrelay.Event;
import io.hubrelay.Gap;
import io.hubrelay.InvalidRequestException;
import io.hubrelay.LimitException;
import io.hubrelay.Loss;
import io.hubrelay.Message;
import io.hubrelay.Names;
import io.hubrelay.NotConnectedException;
import io.hubrelay.RefusedException;
import io.hubrelay.Revoked;
import io.hubrelay.Status;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CancellationException;

/** The words of the driver protocol. */
final class Words {
    private static final String PLAIN = "-._~";

    private Words() {
    }

    /** One word of a text. */
    static String quote(String text) {
        StringBuilder word = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean letter = c < 0x80 && (Character.isLetterOrDigit(c) || PLAIN.indexOf(c) >= 0);
            word.append(letter ? String.valueOf(c) : String.format("%%%02X", (int) c));
        }
        return word.toString();
    }

    /** The text of a word. What is not UTF-8 becomes a surrogate without its partner: no text that there can be. */
    static String unquote(String word) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < word.length(); i++) {
            if (word.charAt(i) == '%') {
                bytes.write(Integer.parseInt(word, i + 1, i + 3, 16));
                i += 2;
            } else {
                bytes.write(word.charAt(i));
            }
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.toByteArray())).toString();
        } catch (CharacterCodingException e) {
            return "\ud800";
        }
    }

    static Names names(List<String> words) {
        List<String> channels = new ArrayList<>();
        List<String> patterns = new ArrayList<>();
        for (String word : words) {
            (word.charAt(0) == 'p' ? patterns : channels).add(unquote(word.substring(2)));
        }
        return new Names(channels, patterns);
    }

    static byte[] payload(String word) {
        return word.equals("-") ? new byte[0] : Base64.getDecoder().decode(word);
    }

    private static String b64(byte[] payload) {
        return payload.length == 0 ? "-" : Base64.getEncoder().encodeToString(payload);
    }

    /** The result of a call that has failed. */
    static String failure(Throwable e) {
        StringBuilder word = new StringBuilder(outcome(e));
        if (e instanceof RefusedException refused) {
            refused.channels().forEach(name -> word.append(" name=").append(quote(name)));
            refused.patterns().forEach(name -> word.append(" name=").append(quote(name)));
        }
        return word.append(" detail=").append(quote(String.valueOf(e.getMessage()))).toString();
    }

    private static String outcome(Throwable e) {
        if (e instanceof NotConnectedException) {
            return "NOT_CONNECTED";
        } else if (e instanceof DeliveryUnknownException) {
            return "INTERRUPTED";
        } else if (e instanceof RefusedException) {
            return "REFUSED";
        } else if (e instanceof InvalidRequestException) {
            return "INVALID";
        } else if (e instanceof CongestedException) {
            return "CONGESTED";
        } else if (e instanceof LimitException) {
            return "LIMIT";
        } else if (e instanceof ClosedException) {
            return "CLOSED";
        } else if (e instanceof CancellationException || e instanceof InterruptedException) {
            return "CANCELLED";
        }
        return "ERROR";
    }

    /** The report of an event. */
    static String describe(Event event) {
        if (event instanceof Message m) {
            String pattern = m.pattern().isEmpty() ? "" : " pattern=" + quote(m.pattern());
            return "message " + quote(m.channel()) + " " + b64(m.payload()) + pattern;
        } else if (event instanceof Status s) {
            return "status state=" + s.stateNumber() + " publishing=" + bit(s.publishing()) + " receiving="
                    + bit(s.receiving()) + " connected=" + bit(s.connected()) + " gaps=" + s.gaps() + " cause="
                    + s.causeNumber();
        } else if (event instanceof Loss l) {
            return "loss publishes=" + l.publishes() + " messages=" + l.messages() + " unknown="
                    + l.publishesUnknown() + " cause=" + l.causeNumber() + " local=" + bit(l.local());
        } else if (event instanceof Gap g) {
            return "gap reasons=" + quote(String.join(",", g.reasons())) + " partial=" + bit(g.partial());
        } else if (event instanceof Revoked r) {
            StringBuilder text = new StringBuilder("revoked");
            r.channels().forEach(name -> text.append(" c:").append(quote(name)));
            r.patterns().forEach(name -> text.append(" p:").append(quote(name)));
            return text.toString();
        }
        throw new IllegalArgumentException(event.toString());
    }

    private static int bit(boolean value) {
        return value ? 1 : 0;
    }
}
