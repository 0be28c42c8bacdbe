package dev.cairn.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.cli.Failure;
import dev.cairn.cli.text.Entry;
import dev.cairn.cli.text.EntryReader;
import dev.cairn.cli.text.EntryWriter;
import dev.cairn.cli.text.TextFormat;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The real files that the demo loads, in the same order for all its processes: one of them lists
 * them, the others read the list.
 */
record DemoSource(Path root, List<Item> items) {
    private static final String LISTING = "listing";

    /** The running JDK's own file system: all its modules, a folder each. */
    private static final URI JDK = URI.create("jrt:/");

    /**
     * @param size the size when the file was listed; if it grew meanwhile, only these first bytes
     *     count
     */
    record Item(String key, long size) {}

    DemoSource {
        items = List.copyOf(items);
    }

    /** Every class file of the running JDK; {@code /java.base/java/lang/String.class} is a key. */
    static DemoSource ofJdk() throws IOException {
        FileCollector files = new FileCollector("/", ".class");
        files.walk(jdkModules());
        return new DemoSource(jdkModules(), files.items());
    }

    /** The regular files under a directory; the notes say which were left out. */
    static DemoSource ofDirectory(Path directory, List<String> notes) throws IOException {
        FileCollector files = new FileCollector("", "");
        files.walk(directory);
        notes.addAll(files.notes());
        return new DemoSource(directory, files.items());
    }

    /** Writes the list for {@link #readFrom}: the root first. */
    void writeTo(Path list) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(list))) {
            EntryWriter writer = TextFormat.TSV.writer(out);
            String listed = root.toUri().getScheme().equals(JDK.getScheme()) ? "" : root.toString();
            writer.write(LISTING.getBytes(UTF_8), listed.getBytes(UTF_8));
            for (Item item : items) {
                writer.write(item.key.getBytes(UTF_8), Long.toString(item.size).getBytes(UTF_8));
            }
            writer.finish();
        }
    }

    static DemoSource readFrom(Path list) throws IOException {
        try (InputStream in = Files.newInputStream(list)) {
            EntryReader reader = TextFormat.TSV.reader(in, list.toString());
            Entry first = reader.next();
            if (first == null) {
                throw new Failure(list + ": the list of the demo's files is empty");
            }
            String root = new String(first.value(), UTF_8);
            List<Item> items = new ArrayList<>();
            for (Entry entry = reader.next(); entry != null; entry = reader.next()) {
                items.add(
                        new Item(
                                new String(entry.key(), UTF_8),
                                Long.parseLong(new String(entry.value(), UTF_8))));
            }
            return new DemoSource(root.isEmpty() ? jdkModules() : Path.of(root), items);
        }
    }

    int size() {
        return items.size();
    }

    long totalBytes() {
        return items.stream().mapToLong(Item::size).sum();
    }

    long largestBytes() {
        return items.stream().mapToLong(Item::size).max().orElse(0);
    }

    byte[] key(int index) {
        return items.get(index).key.getBytes(UTF_8);
    }

    /** The key in a form for messages. */
    String name(int index) {
        return items.get(index).key.replaceAll("\\p{Cntrl}", "?");
    }

    /** The file's bytes, freshly read. */
    byte[] bytes(int index) throws IOException {
        Item item = items.get(index);
        String relative = item.key.startsWith("/") ? item.key.substring(1) : item.key;
        try (InputStream in = Files.newInputStream(root.resolve(relative))) {
            return in.readNBytes(Math.toIntExact(item.size));
        }
    }

    private static Path jdkModules() {
        return FileSystems.getFileSystem(JDK).getPath("/modules");
    }
}
