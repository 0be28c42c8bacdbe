package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CairnStore;
import dev.cairn.Change;
import dev.cairn.Change.Lagged;
import dev.cairn.Change.Put;
import dev.cairn.Change.Removed;
import dev.cairn.ChangeFeed;
import dev.cairn.StoreClosed;
import dev.cairn.cli.text.EntryWriter;
import dev.cairn.cli.text.TextFormat;
import dev.cairn.cli.text.Utf8;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

@Command(
        name = "watch",
        description = {
            "Prints each change by any process as it happens, one a line: put, key,"
                    + " version; or removed, key, version; or lagged, stripe. Lagged means that"
                    + " changes came faster than they were printed, and that some of that stripe"
                    + " are missing. The words are separated by tabs, and keys have the escapes of"
                    + " tsv.",
            "Watch ends when it is interrupted."
        })
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class Watch extends StoreVerb {
    /** A year; after each timeout the next poll begins. */
    private static final Duration NO_TIMEOUT = Duration.ofDays(365);

    private static final long HOOK_SECONDS = 5;

    @Mixin private final ByteWords words = new ByteWords();

    @Option(
            names = "--prefix",
            defaultValue = "",
            description =
                    "Prints only changes of keys that begin with these bytes, given in"
                            + " UTF-8 (see also --escaped), and lagged in any case.")
    private String prefix;

    @Option(names = "--limit", paramLabel = "N", description = "Ends after N changes.")
    private long limit = Long.MAX_VALUE;

    @Option(
            names = "--timeout",
            paramLabel = "DURATION",
            converter = DurationConverter.class,
            description = "Ends when no change was printed for this time: 500ms, 10s, 1m ...")
    private @Nullable Duration timeout;

    @Option(names = "--json", description = "Prints one JSON object a line.")
    private boolean json;

    private volatile boolean interrupted;

    @Override
    public Integer call() throws IOException, InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        try (CairnStore store = openToRead();
                ChangeFeed<byte[]> feed = store.watch()) {
            Thread hook = new Thread(() -> interrupt(feed, done));
            Runtime.getRuntime().addShutdownHook(hook);
            try {
                print(feed);
            } catch (StoreClosed e) {
                if (!interrupted) {
                    throw e;
                }
            } catch (IOException e) {
                if (!Failure.isBrokenPipe(e)) {
                    throw e;
                }
            } finally {
                forget(hook);
            }
        } finally {
            done.countDown();
        }
        return ExitCode.OK;
    }

    /** Handles Ctrl-C, which is how this verb ends, so it is not a failure. */
    private void interrupt(ChangeFeed<byte[]> feed, CountDownLatch done) {
        interrupted = true;
        feed.close();
        try {
            if (done.await(HOOK_SECONDS, TimeUnit.SECONDS)) {
                Runtime.getRuntime().halt(ExitCode.OK);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void forget(Thread shutdownHook) {
        try {
            boolean _ = Runtime.getRuntime().removeShutdownHook(shutdownHook);
        } catch (IllegalStateException e) {
            // The JVM is shutting down, which is why the feed ended.
        }
    }

    private void print(ChangeFeed<byte[]> feed) throws IOException, InterruptedException {
        byte[] wanted = words.bytes("--prefix", prefix);
        OutputStream out = new BufferedOutputStream(streams().out(), 1 << 16);
        EntryWriter tsv = TextFormat.TSV.writer(out);
        long deadline = deadline();
        for (long left = limit; left > 0; ) {
            Change<byte[]> change = feed.poll(Duration.ZERO);
            if (change == null) {
                out.flush();
                change = feed.poll(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            }
            if (change == null) {
                return;
            }
            if (isWanted(change, wanted)) {
                if (json) {
                    out.write((object(change) + "\n").getBytes(UTF_8));
                } else {
                    write(change, tsv, out);
                }
                left--;
                deadline = deadline();
            }
        }
        out.flush();
    }

    private long deadline() {
        return System.nanoTime() + (timeout == null ? NO_TIMEOUT : timeout).toNanos();
    }

    private static boolean isWanted(Change<byte[]> change, byte[] prefix) {
        return switch (change) {
            case Put<byte[]> put -> startsWith(put.key(), prefix);
            case Removed<byte[]> removed -> startsWith(removed.key(), prefix);
            case Lagged<byte[]> _ -> true;
        };
    }

    private static boolean startsWith(byte[] key, byte[] prefix) {
        return key.length >= prefix.length
                && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
    }

    private static void write(Change<byte[]> change, EntryWriter tsv, OutputStream out)
            throws IOException {
        switch (change) {
            case Put<byte[]> put -> {
                out.write("put\t".getBytes(UTF_8));
                tsv.write(put.key(), digits(put.version()));
            }
            case Removed<byte[]> removed -> {
                out.write("removed\t".getBytes(UTF_8));
                tsv.write(removed.key(), digits(removed.version()));
            }
            case Lagged<byte[]> lagged ->
                    tsv.write("lagged".getBytes(UTF_8), digits(lagged.stripe()));
        }
    }

    private static byte[] digits(long number) {
        return Long.toString(number).getBytes(UTF_8);
    }

    private static JsonReport object(Change<byte[]> change) {
        return switch (change) {
            case Put<byte[]> put ->
                    keyed("put", put.key(), put.version()).put("stripe", put.stripe());
            case Removed<byte[]> removed ->
                    keyed("removed", removed.key(), removed.version())
                            .put("stripe", removed.stripe());
            case Lagged<byte[]> lagged ->
                    new JsonReport().put("change", "lagged").put("stripe", lagged.stripe());
        };
    }

    /** A change with its key in the form that dump --format jsonl uses. */
    private static JsonReport keyed(String kind, byte[] key, long version) {
        String text = Utf8.decode(key);
        JsonReport report = new JsonReport().put("change", kind);
        return (text == null
                        ? report.put("key64", Base64.getEncoder().encodeToString(key))
                        : report.put("key", text))
                .put("version", version);
    }
}
