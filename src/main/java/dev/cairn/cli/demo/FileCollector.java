package dev.cairn.cli.demo;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Lists the regular files of a tree that the demo can load; follows no symbolic links. */
final class FileCollector {
    private static final long LARGEST_BYTES = 1L << 30;

    private final String keyPrefix;
    private final String suffix;
    private final List<DemoSource.Item> items = new ArrayList<>();
    private long unreadable;
    private long tooLarge;

    FileCollector(String keyPrefix, String suffix) {
        this.keyPrefix = keyPrefix;
        this.suffix = suffix;
    }

    void walk(Path root) throws IOException {
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                        if (attributes.isRegularFile() && file.toString().endsWith(suffix)) {
                            collect(root, file, attributes.size());
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e) {
                        unreadable++;
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path at, @Nullable IOException e) {
                        unreadable += e == null ? 0 : 1;
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    /** The files, in the order of their keys. */
    List<DemoSource.Item> items() {
        return items.stream().sorted(Comparator.comparing(DemoSource.Item::key)).toList();
    }

    /** What was left out, one sentence each. */
    List<String> notes() {
        List<String> notes = new ArrayList<>();
        if (unreadable > 0) {
            notes.add("left out: " + unreadable + " files or directories that cannot be read");
        }
        if (tooLarge > 0) {
            notes.add("left out: " + tooLarge + " files of more than 1 GiB");
        }
        return notes;
    }

    private void collect(Path root, Path file, long size) {
        String relative = root.relativize(file).toString();
        boolean nameIsText = root.resolve(relative).equals(file);
        if (!nameIsText || !Files.isReadable(file)) {
            unreadable++;
        } else if (size > LARGEST_BYTES) {
            tooLarge++;
        } else {
            items.add(new DemoSource.Item(keyPrefix + relative, size));
        }
    }
}
