package dev.cairn.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** Attacks {@link Output} and {@link Input}, as buffers and as streams. */
class CodecStreamsTest {
    @Property
    void whatIsWrittenIsThere(@ForAll List<byte[]> pieces) {
        Output out = new Output();
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        for (byte[] piece : pieces) {
            out.write(piece);
            expected.writeBytes(piece);
            out.write(piece.length);
            expected.write(piece.length);
        }
        assertThat(out.toBytes()).isEqualTo(expected.toByteArray());
        assertThat(Arrays.copyOf(out.bytes(), out.length())).isEqualTo(expected.toByteArray());
    }

    @Example
    void numbersAreLittleEndian() {
        Output out = new Output();
        out.int32(0x04030201);
        out.int64(0x0807060504030201L);
        assertThat(out.toBytes()).containsExactly(1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8);
        Input in = new Input(out.bytes(), 0, out.length());
        assertThat(in.int32()).isEqualTo(0x04030201);
        assertThat(in.position()).isEqualTo(4);
        assertThat(in.remaining()).isEqualTo(8);
        assertThat(in.int64()).isEqualTo(0x0807060504030201L);
        in.requireEnd();
    }

    @Example
    void lengthIsSetAfterwards() {
        Output out = new Output();
        out.int32(0);
        out.utf8("abc");
        out.setInt32(0, 3);
        assertThat(out.toBytes()).containsExactly(3, 0, 0, 0, 'a', 'b', 'c');
        assertThatThrownBy(() -> out.setInt32(4, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Example
    void bufferIsUsedAgainUnlessItIsLarge() {
        Output out = new Output();
        out.write(new byte[60_000]);
        byte[] kept = out.bytes();
        out.reset();
        assertThat(out.length()).isZero();
        assertThat(out.bytes()).isSameAs(kept);
        out.write(new byte[1 << 20]);
        out.reset();
        assertThat(out.bytes()).hasSizeLessThanOrEqualTo(1 << 16);
    }

    @Example
    void bufferGrowsToTheLongestArrayAndNoFurther() {
        int longest = Integer.MAX_VALUE - 8;
        assertThat(Output.capacity(64, 1, 64)).isEqualTo(128);
        assertThat(Output.capacity(64, 1000, 64)).isEqualTo(1064);
        assertThat(Output.capacity(1 << 30, 1, 1 << 30)).isEqualTo(longest);
        assertThat(Output.capacity(longest - 1, 1, longest - 1)).isEqualTo(longest);
        for (int more : new int[] {1, Integer.MAX_VALUE}) {
            assertThatThrownBy(() -> Output.capacity(longest, more, longest))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("2^31");
        }
    }

    @Property
    void inputIsAStreamOfItsBytesOnly(@ForAll byte[] bytes) throws IOException {
        byte[] amid = new byte[bytes.length + 2];
        System.arraycopy(bytes, 0, amid, 1, bytes.length);
        assertThat(new Input(amid, 1, bytes.length)).hasSameContentAs(stream(bytes));
        assertThat(new Input(amid, 1, bytes.length).readAllBytes()).isEqualTo(bytes);
        assertThat(new Input(amid, 1, bytes.length).readNBytes(amid.length)).isEqualTo(bytes);
        ByteArrayOutputStream to = new ByteArrayOutputStream();
        assertThat(new Input(amid, 1, bytes.length).transferTo(to)).isEqualTo(bytes.length);
        assertThat(to.toByteArray()).isEqualTo(bytes);
        Input skipped = new Input(amid, 1, bytes.length);
        assertThat(skipped.skip(Long.MAX_VALUE)).isEqualTo(bytes.length);
        assertThat(skipped.read()).isEqualTo(-1);
        assertThat(skipped.available()).isZero();
    }

    private static ByteArrayInputStream stream(byte[] bytes) {
        return new ByteArrayInputStream(bytes);
    }

    @Example
    void readingPastTheEndIsMalformed() {
        byte[] bytes = new byte[8];
        assertThatThrownBy(() -> new Input(bytes, 0, 3).int32())
                .isInstanceOf(MalformedBytes.class)
                .hasMessage("at byte 0: expected 4 more bytes, found 3 bytes to the end");
        assertThatThrownBy(() -> new Input(bytes, 1, 7).int64()).isInstanceOf(MalformedBytes.class);
        assertThatThrownBy(() -> new Input(bytes, 1, 7).bytes(8))
                .isInstanceOf(MalformedBytes.class);
        assertThatThrownBy(() -> new Input(bytes, 1, 7).utf8(-1))
                .isInstanceOf(MalformedBytes.class);
        assertThatThrownBy(() -> new Input(bytes, 1, 8))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
