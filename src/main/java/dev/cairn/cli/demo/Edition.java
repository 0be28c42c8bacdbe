package dev.cairn.cli.demo;

import java.nio.ByteBuffer;

/**
 * What an entry holds after so many rewritings, so that any value can be told from any other: each
 * byte of its file plus the number, and the number behind them. The edition 0 is the file itself.
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
