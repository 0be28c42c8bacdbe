package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import dev.cairn.format.DataHeader;
import dev.cairn.format.HashBits;
import dev.cairn.index.KeyHash;
import dev.cairn.os.Host;

import java.io.IOException;
import java.nio.file.Path;

/** Finds keys of a given stripe of a store. The store's hash seed is random. */
final class StripeKeys {
    private final KeyHash hash;
    private final int stripesLog2;

    StripeKeys(Path store) throws IOException {
        byte[] block = Host.read(store, DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES);
        DataHeader header = DataHeader.decode(store, block);
        hash = new KeyHash(header.hashSeed());
        stripesLog2 = Integer.numberOfTrailingZeros(header.stripes());
    }

    /** The first key of a stripe that has this prefix. */
    String of(int stripe, String prefix) {
        for (int i = 0; ; i++) {
            if (HashBits.stripe(hash.of(bytes(prefix + i)), stripesLog2) == stripe) {
                return prefix + i;
            }
        }
    }
}
