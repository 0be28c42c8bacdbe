package dev.cairn.map;

import static org.assertj.core.api.Assertions.assertThat;

import com.dynatrace.hash4j.hashing.Hashing;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Attacks the promise that an application which is deployed anew leaves nothing of itself with the
 * server's threads. The class loader of a closed store must be collected.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClassLoadersTest {
    private static final long PATIENCE_SECONDS = 60;
    private static final List<Class<?>> LIBRARY =
            List.of(Cairn.class, Hashing.class, Caffeine.class, Nullable.class);

    @TempDir Path directory;

    @Test
    void aMapThatWasClosedKeepsNoClassLoader() throws Exception {
        try (ExecutorService server = Executors.newFixedThreadPool(1)) {
            List<WeakReference<ClassLoader>> applications = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                boolean nearCache = i == 1;
                applications.add(server.submit(() -> deployAndUndeploy(nearCache)).get());
            }
            applications.removeLast(); // the JDK keeps it until another links something
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (applications.stream().anyMatch(each -> each.get() != null)) {
                assertThat(System.nanoTime() - deadline)
                        .as("kept: %s", applications.stream().map(WeakReference::get).toList())
                        .isNegative();
                System.gc();
                Thread.sleep(50);
                server.submit(() -> {}).get(); // the thread lives, and has forgotten its last task
            }
        }
    }

    private WeakReference<ClassLoader> deployAndUndeploy(boolean nearCache) throws Exception {
        try (URLClassLoader loader =
                new URLClassLoader(urls(), ClassLoader.getPlatformClassLoader())) {
            Class<?> codecs = loader.loadClass("dev.cairn.codec.Codecs");
            Class<?> codec = loader.loadClass("dev.cairn.codec.Codec");
            Object utf8 = codecs.getMethod("utf8").invoke(null);
            Object builder =
                    loader.loadClass("dev.cairn.Cairn")
                            .getMethod("map", codec, codec)
                            .invoke(null, utf8, utf8);
            if (nearCache) {
                Class<?> caffeine = loader.loadClass("com.github.benmanes.caffeine.cache.Caffeine");
                Object cache = caffeine.getMethod("newBuilder").invoke(null);
                builder =
                        builder.getClass().getMethod("nearCache", caffeine).invoke(builder, cache);
            }
            Object opened =
                    builder.getClass()
                            .getMethod("open", Path.class)
                            .invoke(builder, directory.resolve("map.cairn"));
            use(opened);
            ((AutoCloseable) opened).close();
            return new WeakReference<>(loader);
        }
    }

    @SuppressWarnings("unchecked") // a map of another class loader's, of strings
    private static void use(Object opened) {
        Map<String, String> map = (Map<String, String>) opened;
        map.put("a", "b");
        assertThat(map.get("a")).isEqualTo("b");
        assertThat(map.computeIfAbsent("c", key -> key + "d")).isEqualTo("cd");
        map.forEach((key, value) -> assertThat(value).contains(key.equals("a") ? "b" : "d"));
    }

    private static URL[] urls() {
        return LIBRARY.stream()
                .map(type -> type.getProtectionDomain().getCodeSource().getLocation())
                .distinct()
                .toArray(URL[]::new);
    }
}
