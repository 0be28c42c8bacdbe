package dev.cairn.format;

import org.jspecify.annotations.Nullable;

import java.util.UUID;

/**
 * A block of the data file that names the shared-memory file that belongs to it, and the boot in
 * which it was last open.
 *
 * @param nonce a random ID, new whenever a shared-memory file is built (RULE 5)
 * @param bootId the boot ID of the kernel under which the file was last open for writing
 */
public record OpenBlock(UUID nonce, UUID bootId) {
    public static final int MAGIC = 0;
    public static final int CRC = 8;
    public static final int NONCE = 16;
    public static final int BOOT_ID = 32;
    public static final int BYTES = 48;

    /** The bytes "CAIRNOPN". */
    public static final long MAGIC_VALUE = 0x4E50_4F4E_5249_4143L;

    /** The block of a store that was never open: no shared-memory file matches it. */
    public static final OpenBlock NONE = new OpenBlock(new UUID(0, 0), new UUID(0, 0));

    public byte[] encode() {
        byte[] block = new byte[BYTES];
        Words.setPlain(block, MAGIC, MAGIC_VALUE);
        Checksum.putId(block, NONCE, nonce);
        Checksum.putId(block, BOOT_ID, bootId);
        Words.setIntPlain(block, CRC, Checksum.of(block, 0, BYTES));
        return block;
    }

    /**
     * Decodes a block; null if it is torn or damaged, so that no shared-memory file can be trusted.
     */
    public static @Nullable OpenBlock decode(byte[] bytes) {
        byte[] block = java.util.Arrays.copyOf(bytes, BYTES);
        int crc = Words.intPlain(block, CRC);
        Words.setIntPlain(block, CRC, 0);
        if (Words.plain(block, MAGIC) != MAGIC_VALUE || Checksum.of(block, 0, BYTES) != crc) {
            return null;
        }
        return new OpenBlock(Checksum.idAt(block, NONCE), Checksum.idAt(block, BOOT_ID));
    }
}
