package dev.cairn.sim;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a disk holds of a file.
 *
 * @param pages whole ones, shared with other images and changed by nobody
 * @param length of the file in bytes
 */
record Image(byte[][] pages, long length) {
    /** The same pages, by identity: certainly the same content. */
    @SuppressWarnings("ReferenceEquality")
    boolean isSame(Image other) {
        if (length != other.length || pages.length != other.pages.length) {
            return false;
        }
        for (int page = 0; page < pages.length; page++) {
            if (pages[page] != other.pages[page]) {
                return false;
            }
        }
        return true;
    }

    /** With another page in the place of one. */
    Image with(int page, byte[] content) {
        byte[][] changed = pages.clone();
        changed[page] = content;
        return new Image(changed, length);
    }

    void writeTo(Path file) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer all = ByteBuffer.allocate((int) length);
            for (int page = 0; all.hasRemaining(); page++) {
                all.put(pages[page], 0, Math.min(PageCache.PAGE_BYTES, all.remaining()));
            }
            all.flip();
            while (all.hasRemaining()) {
                channel.write(all);
            }
        }
    }
}
