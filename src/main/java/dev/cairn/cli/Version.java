package dev.cairn.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.IVersionProvider;

/** The jar's version. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        @Nullable String ofJar = Main.class.getPackage().getImplementationVersion();
        String version = ofJar != null ? ofJar : "(unpackaged)";
        return new String[] {"cairn " + version + ", Java " + Runtime.version()};
    }
}
