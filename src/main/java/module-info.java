/** An embedded key-value store that several processes share through memory-mapped files. */
@SuppressWarnings("requires-automatic")
module dev.cairn {
    requires com.dynatrace.hash4j;
    requires transitive com.github.benmanes.caffeine;
    requires static com.fasterxml.jackson.core;
    requires static HdrHistogram;
    requires static info.picocli;
    requires static transitive org.jspecify;
    requires static me.tongfei.progressbar;

    exports dev.cairn;
    exports dev.cairn.codec;

    opens dev.cairn.cli to
            info.picocli;
    opens dev.cairn.cli.bench to
            info.picocli;
    opens dev.cairn.cli.demo to
            info.picocli;
}
