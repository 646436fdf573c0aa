package io.hubrelay.testing;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * Runs every method that has {@link Test} in every class whose name ends in {@code Test}; or those whose
 * {@code Class.method} contains an argument. A test fails by what it throws, or by taking a minute.
 */
public final class TestMain {
    private static final long MINUTE_MS = 60_000;

    private TestMain() {
    }

    /**
     * Runs the tests. The exit code is 1 when one has failed, or there is none.
     *
     * @param arguments parts of names, or none
     * @throws Exception if the classes cannot be found
     */
    public static void main(String[] arguments) throws Exception {
        int passed = 0;
        int failed = 0;
        for (Class<?> testClass : testClasses()) {
            for (Method method : testMethods(testClass)) {
                String name = testClass.getSimpleName() + "." + method.getName();
                if (arguments.length > 0 && Arrays.stream(arguments).noneMatch(name::contains)) {
                    continue;
                }
                if (run(name, testClass, method)) {
                    passed++;
                } else {
                    failed++;
                }
            }
        }
        System.out.println(passed + " tests passed, " + failed + " failed");
        System.exit(failed > 0 || passed == 0 ? 1 : 0);
    }

    private static List<Class<?>> testClasses() throws IOException, URISyntaxException, ClassNotFoundException {
        URI root = TestMain.class.getProtectionDomain().getCodeSource().getLocation().toURI();
        Path folder = Path.of(root);
        try (Stream<Path> files = Files.walk(folder)) {
            List<String> names = files.map(file -> folder.relativize(file).toString())
                    .filter(file -> file.endsWith("Test.class") && !file.endsWith("/Test.class")).sorted()
                    .map(file -> file.replace(".class", "").replace('/', '.')).toList();
            Class<?>[] classes = new Class<?>[names.size()];
            for (int i = 0; i < classes.length; i++) {
                classes[i] = Class.forName(names.get(i));
            }
            return List.of(classes);
        }
    }

    private static List<Method> testMethods(Class<?> testClass) {
        return Arrays.stream(testClass.getDeclaredMethods()).filter(method -> method.isAnnotationPresent(Test.class))
                .sorted(Comparator.comparing(Method::getName)).toList();
    }

    private static boolean run(String name, Class<?> testClass, Method method) throws InterruptedException {
        AtomicBoolean passed = new AtomicBoolean();
        Thread thread = new Thread(() -> {
            try {
                var constructor = testClass.getDeclaredConstructor();
                constructor.setAccessible(true);
                method.setAccessible(true);
                method.invoke(constructor.newInstance());
                passed.set(true);
            } catch (InvocationTargetException e) {
                System.out.println("FAILED " + name);
                e.getCause().printStackTrace(System.out);
            } catch (ReflectiveOperationException e) {
                System.out.println("FAILED " + name + ": " + e);
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
        thread.join(MINUTE_MS);
        if (thread.isAlive()) {
            System.out.println("FAILED " + name + ": it takes too long. All threads:");
            for (Map.Entry<Thread, StackTraceElement[]> each : Thread.getAllStackTraces().entrySet()) {
                System.out.println(each.getKey());
                Arrays.stream(each.getValue()).forEach(frame -> System.out.println("    " + frame));
            }
        }
        return passed.get();
    }
}
