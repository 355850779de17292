using System.Collections.Concurrent;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Builds the C programs of the tests. Each is compiled once for all tests, and copied to the path that a test needs.</summary>
internal static class CProgram
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> Compiled = new();

    /// <summary>Builds a program.</summary>
    /// <param name="source">The C file.</param>
    /// <param name="program">The executable to create, which must not exist.</param>
    /// <param name="options">More options for the compiler.</param>
    public static async Task BuildAsync(string source, string program, params string[] options)
    {
        string[] command = ["cc", "-O1", "-Wall", "-Wextra", "-Werror", .. options, source];
        string compiled = await Compiled.GetOrAdd(string.Join(' ', command), _ => new(() => CompileAsync(command))).Value;

        // By another process: a program that another thread starts meanwhile must not inherit a writable descriptor of the file.
        await Tool.MustAsync("cp", compiled, program);
    }

    private static async Task<string> CompileAsync(string[] command)
    {
        string program = Path.Combine(Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName, "program");
        await Tool.MustAsync([.. command, "-o", program]);
        return program;
    }
}
