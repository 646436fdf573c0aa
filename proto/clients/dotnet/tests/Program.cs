using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;

namespace Hubrelay.Tests
{
    /// <summary>Marks a test: a public method without parameters that returns nothing or a Task.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class TestAttribute : Attribute
    {
    }

    internal sealed class TestFailure : Exception
    {
        public TestFailure(string message) : base(message)
        {
        }
    }

    /// <summary>Runs all tests, or those whose name contains the first argument. No test framework is needed.</summary>
    internal static class Program
    {
        /// <summary>What must come has so long, so that a busy machine fails nobody.</summary>
        public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        private static int Main(string[] arguments)
        {
            int passed = 0;
            var failed = new List<string>();
            Stopwatch watch = Stopwatch.StartNew();
            foreach (MethodInfo test in Tests().Where(t => arguments.Length == 0 || NameOf(t).Contains(arguments[0])))
            {
                Exception wrong = Run(test);
                if (wrong == null)
                {
                    passed++;
                }
                else
                {
                    failed.Add(NameOf(test));
                    Console.WriteLine($"FAILED {NameOf(test)}: {(wrong is TestFailure ? wrong.Message : wrong.ToString())}");
                }
            }
            Console.WriteLine($"{passed} passed, {failed.Count} failed ({watch.Elapsed.TotalSeconds:F1} s)");
            Environment.Exit(failed.Count > 0 || passed == 0 ? 1 : 0);
            return 0;
        }

        private static IEnumerable<MethodInfo> Tests()
        {
            return typeof(Program).Assembly.GetTypes().OrderBy(t => t.Name)
                .SelectMany(t => t.GetMethods()).Where(m => m.GetCustomAttribute<TestAttribute>() != null);
        }

        private static string NameOf(MethodInfo test)
        {
            return test.DeclaringType.Name + "." + test.Name;
        }

        private static Exception Run(MethodInfo test)
        {
            try
            {
                object instance = Activator.CreateInstance(test.DeclaringType);
                Task running = Task.Run(() => test.Invoke(instance, null) as Task ?? Task.CompletedTask);
                if (!running.Wait(Patience + Patience))
                {
                    return new TestFailure("it does not end");
                }
                return null;
            }
            catch (Exception e)
            {
                while ((e is AggregateException || e is TargetInvocationException) && e.InnerException != null)
                {
                    e = e.InnerException;
                }
                return e;
            }
        }
    }

    /// <summary>What tests say of what they have seen.</summary>
    internal static class Check
    {
        public static void That(bool holds, string what)
        {
            if (!holds)
            {
                throw new TestFailure(what);
            }
        }

        public static void Equal<T>(T expected, T seen, string what = "")
        {
            if (!EqualityComparer<T>.Default.Equals(expected, seen))
            {
                throw new TestFailure($"{what} is {seen}, expected {expected}");
            }
        }

        public static async Task<T> FailsAsync<T>(Task call) where T : Exception
        {
            try
            {
                await Soon(call);
            }
            catch (T e)
            {
                return e;
            }
            throw new TestFailure($"it did not fail with {typeof(T).Name}");
        }

        public static T Fails<T>(Action call) where T : Exception
        {
            try
            {
                call();
            }
            catch (T e)
            {
                return e;
            }
            throw new TestFailure($"it did not fail with {typeof(T).Name}");
        }

        /// <summary>Waits for a task, but not for ever.</summary>
        public static async Task Soon(Task task)
        {
            if (await Task.WhenAny(task, Task.Delay(Program.Patience)) != task)
            {
                throw new TestFailure("waited too long");
            }
            await task;
        }

        public static async Task<T> Soon<T>(Task<T> task)
        {
            await Soon((Task)task);
            return await task;
        }

        /// <summary>The next event of a kind; others are passed over.</summary>
        public static async Task<T> NextAsync<T>(EventReader reader) where T : RelayEvent
        {
            for (;;)
            {
                RelayEvent one = await Soon(reader.ReadAsync().AsTask());
                if (one is T wanted)
                {
                    return wanted;
                }
            }
        }
    }
}
