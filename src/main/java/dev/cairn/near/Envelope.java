package dev.cairn.near;

import dev.cairn.codec.Codec;
import dev.cairn.codec.Input;
import dev.cairn.codec.Output;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/**
 * What a cache writes as the value of a key: the value, or what is known instead of it, and when it
 * was written.
 *
 * <pre>
 * 0        1                          9
 * +--------+--------------------------+-------------------------+
 * | kind   | milliseconds since 1970  | bytes of the user's     |
 * |        | by the store's clock     | codec, if it is a value |
 * +--------+--------------------------+-------------------------+
 * </pre>
 *
 * @param value null unless the kind is {@link Kind#VALUE}
 * @param writtenMillis when it was written, in milliseconds since 1970 by the store's clock
 */
public record Envelope<V>(Kind kind, long writtenMillis, @Nullable V value) {
    /** What the envelope says about a key. */
    public enum Kind {
        VALUE(0xF8),
        /** A loader said that there is no value. */
        ABSENT(0xF9),
        /** A process is loading the value, or died while it did: nothing is known. */
        LOADING(0xFA);

        private final int code;

        /**
         * @param code no UTF-8 begins with such a byte, so text of another map is not taken for an
         *     envelope
         */
        Kind(int code) {
            this.code = code;
        }

        private static Kind read(Input in) {
            int code = in.read();
            for (Kind kind : values()) {
                if (kind.code == code) {
                    return kind;
                }
            }
            String found = code < 0 ? "the end" : "0x%02X".formatted(code);
            throw in.malformed("the kind of a cache's entry, 0xF8 to 0xFA", found);
        }
    }

    /** Whether the envelope tells something about the key. */
    public boolean isKnown() {
        return kind != Kind.LOADING;
    }

    /** A codec that puts envelopes around the bytes of another codec. */
    public static <V> Codec<Envelope<V>> codec(Codec<V> values) {
        return new OfValues<>(values);
    }

    private record OfValues<V>(Codec<V> values) implements Codec<Envelope<V>> {
        @Override
        public void encode(Envelope<V> envelope, Output out) {
            out.write(envelope.kind.code);
            out.int64(envelope.writtenMillis);
            if (envelope.value != null) {
                values.encode(envelope.value, out);
            }
        }

        @Override
        public Envelope<V> decode(Input in) {
            Kind kind = Kind.read(in);
            long written = in.int64();
            if (written < 0) {
                throw in.malformed("a time before this byte", written + " ms since 1970");
            }
            if (kind == Kind.VALUE) {
                return new Envelope<>(
                        kind, written, Objects.requireNonNull(values.decode(in), "value"));
            }
            in.requireEnd();
            return new Envelope<>(kind, written, null);
        }
    }
}
