package dev.cairn.sim;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What a disk holds of a file.
 *
 * @param pages whole pages, which are shared with other images and never changed
 * @param length the length of the file in bytes
 */
record Image(byte[][] pages, long length) {
    /** Whether the pages are identical objects, so that the content is certainly the same. */
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

    /** This image with one page replaced. */
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
