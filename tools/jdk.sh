# What the scripts beside it share: they source it, with a function "fail" of their own. It finds the JDK and Maven.
# shellcheck shell=bash

# JDK 25 or later, told by its release file, which costs no start of a JVM.
is_jdk() {
    [[ -n $1 && -x $1/bin/java && -x $1/bin/javac && -r $1/release ]] || return 1
    [[ $(<"$1/release") =~ JAVA_VERSION=\"([0-9]+) ]] && ((BASH_REMATCH[1] >= 25))
}

jdk_of_path() {
    local java link
    java=$(command -v java) || return 0
    while [[ -L $java ]]; do
        link=$(readlink "$java")
        [[ $link == /* ]] || link=$(dirname "$java")/$link
        java=$link
    done
    dirname "$(dirname "$java")"
}

find_jdk() {
    local home
    if [[ -n ${CAIRN_JAVA_HOME:-} ]]; then
        is_jdk "$CAIRN_JAVA_HOME" || fail "CAIRN_JAVA_HOME=$CAIRN_JAVA_HOME is no JDK 25 or later"
        jdk=$CAIRN_JAVA_HOME
        return
    fi
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/*; do
        is_jdk "$home" && jdk=$home && return
    done
    home=$(jdk_of_path)
    is_jdk "$home" && jdk=$home && return
    if [[ -x /usr/libexec/java_home ]]; then
        home=$(/usr/libexec/java_home -v 25+ 2>/dev/null || true)
        is_jdk "$home" && jdk=$home && return
    fi
    fail "no JDK 25 or later was found: install one (https://adoptium.net, or 'sdk install java 25-tem')" \
        "or name its folder in CAIRN_JAVA_HOME"
}

find_maven() {
    mvn=$repo/mvnw
    [[ -x $mvn ]] || mvn=$(command -v mvn) || fail "Maven is needed to build it: install Maven (https://maven.apache.org)"
}
