module near {
    requires com.github.benmanes.caffeine;
    requires dev.cairn;
}
