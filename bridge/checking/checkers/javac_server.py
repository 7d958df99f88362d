"""The program of a javac that stays: Java source, started by `java` as it is.

A request is a line of words in base64: name and text of the file to compile, then names and texts of the files beside it.
The reply is a line: 0 or 1 (as javac ends), a space, and what javac printed, in base64. Each request has a compiler and
an in-memory file manager of its own: it reads no file but the JDK's, writes none, and no annotation processor runs, so
nothing of one request is there when the next one comes. When memory runs low the program ends, and is started anew.
"""

SOURCE = r"""
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.JavaFileObject.Kind;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

public class JavacServer {
    static final List<String> OPTIONS = List.of(
        "-proc:none", "-implicit:none", "-XDrawDiagnostics", "-encoding", "UTF-8", "-Xmaxerrs", "20");

    static final class Source extends SimpleJavaFileObject {
        final String name;
        final String text;

        Source(String name, String text) {
            super(URI.create("mem:///" + name), Kind.SOURCE);
            this.name = name;
            this.text = text;
        }

        @Override public CharSequence getCharContent(boolean ignore) {
            return text;
        }

        String binary() {
            return name.substring(0, name.length() - 5).replace('/', '.');
        }
    }

    static final class Sink extends SimpleJavaFileObject {
        Sink(Kind kind) {
            super(URI.create("mem:///sink" + kind.extension), kind);
        }

        @Override public OutputStream openOutputStream() {
            return OutputStream.nullOutputStream();
        }
    }

    /** The JDK's classes, and the sources of one request. */
    static final class Files extends ForwardingJavaFileManager<StandardJavaFileManager> {
        final Map<String, Source> sources;

        Files(StandardJavaFileManager jdk, Map<String, Source> sources) {
            super(jdk);
            this.sources = sources;
        }

        static boolean mine(Location where) {
            return where == StandardLocation.SOURCE_PATH;
        }

        static boolean of(Location where) {
            return where == StandardLocation.CLASS_PATH || where == StandardLocation.CLASS_OUTPUT
                || where == StandardLocation.SOURCE_OUTPUT;
        }

        @Override public boolean hasLocation(Location where) {
            return mine(where) || (!of(where) && super.hasLocation(where));
        }

        @Override public Iterable<JavaFileObject> list(Location where, String in, Set<Kind> kinds, boolean deep)
                throws java.io.IOException {
            if (of(where)) {
                return List.of();
            }
            if (!mine(where)) {
                return super.list(where, in, kinds, deep);
            }
            List<JavaFileObject> found = new ArrayList<>();
            for (Source each : sources.values()) {
                String binary = each.binary();
                int dot = binary.lastIndexOf('.');
                String home = dot < 0 ? "" : binary.substring(0, dot);
                if (kinds.contains(Kind.SOURCE) && (home.equals(in) || deep && home.startsWith(in))) {
                    found.add(each);
                }
            }
            return found;
        }

        @Override public String inferBinaryName(Location where, JavaFileObject file) {
            return file instanceof Source ? ((Source) file).binary() : super.inferBinaryName(where, file);
        }

        @Override public boolean isSameFile(FileObject one, FileObject other) {
            return one == other || one.toUri().equals(other.toUri());
        }

        @Override public boolean contains(Location where, FileObject file) throws java.io.IOException {
            return file instanceof Source ? mine(where) : super.contains(where, file);
        }

        @Override public JavaFileObject getJavaFileForInput(Location where, String name, Kind kind)
                throws java.io.IOException {
            if (of(where)) {
                return null;
            }
            return mine(where) ? sources.get(name.replace('.', '/') + kind.extension)
                : super.getJavaFileForInput(where, name, kind);
        }

        @Override public FileObject getFileForInput(Location where, String in, String name)
                throws java.io.IOException {
            return mine(where) || of(where) ? null : super.getFileForInput(where, in, name);
        }

        @Override public JavaFileObject getJavaFileForOutput(Location where, String name, Kind kind, FileObject near) {
            return new Sink(kind);
        }

        @Override public FileObject getFileForOutput(Location where, String in, String name, FileObject near) {
            return new Sink(Kind.OTHER);
        }
    }

    static String answer(JavaCompiler javac, String line) throws Exception {
        String[] words = line.split(" ", -1);
        Map<String, Source> sources = new LinkedHashMap<>();
        Source asked = null;
        for (int i = 0; i + 1 < words.length; i += 2) {
            Source each = new Source(plain(words[i]), plain(words[i + 1]));
            asked = asked == null ? each : asked;
            sources.putIfAbsent(each.name, each);
        }
        StringWriter said = new StringWriter();
        boolean done;
        try (StandardJavaFileManager jdk = javac.getStandardFileManager(null, null, StandardCharsets.UTF_8);
                JavaFileManager files = new Files(jdk, sources)) {
            done = javac.getTask(said, files, null, OPTIONS, null, List.of(asked)).call();
        }
        byte[] text = said.toString().getBytes(StandardCharsets.UTF_8);
        return (done ? "0 " : "1 ") + Base64.getEncoder().encodeToString(text);
    }

    static String plain(String word) {
        return new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8);
    }

    public static void main(String[] ignored) throws Exception {
        PrintStream replies = System.out;
        System.setOut(System.err);
        JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        Runtime machine = Runtime.getRuntime();
        for (String line; (line = requests.readLine()) != null; ) {
            replies.print(answer(javac, line) + "\n");
            replies.flush();
            if (replies.checkError()) {
                return;
            }
            if (machine.totalMemory() - machine.freeMemory() > machine.maxMemory() / 2) {
                System.gc();
                if (machine.totalMemory() - machine.freeMemory() > machine.maxMemory() / 2) {
                    return;
                }
            }
        }
    }
}
"""
