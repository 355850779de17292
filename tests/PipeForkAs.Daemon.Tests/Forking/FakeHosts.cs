using System.Globalization;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Forking;

/// <summary>Executables that use the protocol of a job host, and whose name selects their behaviour: fake_host.c.</summary>
public sealed class FakeHosts : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public FakeHosts() => Child.Run(
        "/usr/bin/cc",
        ["-O1", "-Wall", "-Wextra", "-Werror", string.Create(CultureInfo.InvariantCulture, $"-DVERSION={WorkerProtocol.Version}"), "-o",
            folder.File("good"), System.IO.Path.Combine(AppContext.BaseDirectory, "Forking", "fake_host.c")]);

    /// <summary>The path of one.</summary>
    public string Path(string behaviour)
    {
        string path = folder.File(behaviour);
        if (!File.Exists(path))
            File.Copy(folder.File("good"), path);
        return path;
    }

    public void Dispose() => folder.Dispose();
}
