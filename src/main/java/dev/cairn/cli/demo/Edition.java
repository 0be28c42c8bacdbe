package dev.cairn.cli.demo;

import java.nio.ByteBuffer;

/**
 * The content of an entry after a number of rewritings, so that any value can be distinguished from
 * any other: each byte of its file plus the number, followed by the number. Edition 0 is the file
 * itself.
 */
record Edition(int number) {
    static final Edition FILES = new Edition(0);

    byte[] of(byte[] file) {
        if (number == 0) {
            return file;
        }
        ByteBuffer value = ByteBuffer.allocate(file.length + Integer.BYTES);
        for (byte b : file) {
            value.put((byte) (b + number));
        }
        return value.putInt(number).array();
    }
}
