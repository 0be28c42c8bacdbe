package dev.cairn.sim;

import dev.cairn.format.OpenBlock;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.UUID;

/** Makes files that were written in this boot look as they do in the next boot, on another disk. */
public final class NextBoot {
    private static final UUID FORMER = new UUID(0xB007, 0xB007);

    private NextBoot() {}

    /** The open block with the id of another boot, if the data file was open in this one. */
    public static byte[] openBlock(byte[] block) {
        OpenBlock open = OpenBlock.decode(Arrays.copyOf(block, OpenBlock.BYTES));
        if (open == null || !Host.sameBoot(open.bootId())) {
            return block;
        }
        byte[] changed = block.clone();
        byte[] encoded = new OpenBlock(open.nonce(), FORMER).encode();
        System.arraycopy(encoded, 0, changed, 0, encoded.length);
        return changed;
    }

    /**
     * The first page of a shared-memory file with the id of another boot, if it was used in this
     * one.
     *
     * @param data the data file to which it belongs
     */
    public static byte[] firstPage(byte[] page, Path data) throws IOException {
        byte[] changed = page.clone();
        UUID boot =
                new UUID(
                        Words.plain(page, SharedLayout.BOOT_ID),
                        Words.plain(page, SharedLayout.BOOT_ID + Long.BYTES));
        if (Host.sameBoot(boot)) {
            Words.setPlain(changed, SharedLayout.BOOT_ID, FORMER.getMostSignificantBits());
        }
        if (Words.plain(page, SharedLayout.DATA_INODE) != 0) {
            Words.setPlain(changed, SharedLayout.DATA_INODE, Host.inode(data));
        }
        return changed;
    }
}
