using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Loading;

/// <summary>Tests of configuration files in a folder of their own.</summary>
public abstract class ConfigurationTest : IAsyncDisposable
{
    /// <summary>A job host that exists, for files whose other keys are tested.</summary>
    private protected const string Host = """ "JobHosts": [ { "Path": "/usr/bin/env" } ] """;

    private protected TemporaryFolder Folder { get; } = new();

    protected ConfigurationTest() => Assert.SkipUnless(Libc.geteuid() == UserId.Root, "the configuration must be root's");

    public ValueTask DisposeAsync()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Reads a configuration that must be right.</summary>
    private protected DaemonOptions Load(string json) => ConfigurationFiles.Load([Folder.Write("a.json", json)]).Options;

    /// <summary>Reads files that must be wrong, and returns what is.</summary>
    private protected static IReadOnlyList<string> Problems(params string[] files) =>
        Assert.Throws<ConfigurationException>(() => ConfigurationFiles.Load(files)).Problems;
}
