/*
 * Caffeine, Kafka Streams and Micrometer are for those who have them. The jars of the last two have no
 * module descriptor, hence the warning that is suppressed here. None of the three is required
 * transitively: the compiler of a program that lacks it would refuse this module. So a program that
 * has one requires it itself, and the warnings that types of the API come from there are suppressed
 * where they arise.
 */
/** An embedded key-value store that several processes share through memory-mapped files. */
@SuppressWarnings("requires-automatic")
module dev.cairn {
    requires com.dynatrace.hash4j;
    requires static com.github.benmanes.caffeine;
    requires static jdk.jfr;
    requires static transitive org.jspecify;
    requires static kafka.clients;
    requires static kafka.streams;
    requires static micrometer.core;

    exports dev.cairn;
    exports dev.cairn.codec;
    exports dev.cairn.kafka;
    exports dev.cairn.micrometer;
}
