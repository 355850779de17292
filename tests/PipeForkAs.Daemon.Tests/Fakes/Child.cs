using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>A child process that only the test reaps, in its own session.</summary>
internal static class Child
{
    public static ProcessId Start(string path, params string[] arguments) => Start(path, arguments, []);

    public static ProcessId Start(
        string path, IReadOnlyList<string> arguments, IReadOnlyList<(FileDescriptor Source, int Target)> descriptors) =>
        Libc.posix_spawn(path, [path, .. arguments], ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], descriptors);

    /// <summary>Runs it to its end, which must be successful.</summary>
    public static void Run(string path, IReadOnlyList<string> arguments) =>
        Assert.Equal(new WaitStatus.Exited(0), RunToEnd(path, arguments));

    /// <summary>Runs it to its end. Returns whether it was successful.</summary>
    public static bool Succeeds(string path, IReadOnlyList<string> arguments) => RunToEnd(path, arguments) == new WaitStatus.Exited(0);

    private static WaitStatus RunToEnd(string path, IReadOnlyList<string> arguments) => Libc.wait_for(Start(path, arguments, [])).Status;
}
