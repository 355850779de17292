using System.Globalization;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A PAM service of the tests, in /etc/pam.d until it is disposed.</summary>
internal sealed class PamService : IDisposable
{
    private static readonly string Folder = Path.GetTempPath();

    private static int count;

    public PamService(Func<PamService, string> rules) => File.WriteAllText(Path.Combine("/etc/pam.d", Name), rules(this));

    /// <summary>The name of the service.</summary>
    public string Name { get; } =
        string.Create(CultureInfo.InvariantCulture, $"pfa-{Environment.ProcessId}-{Interlocked.Increment(ref count)}");

    /// <summary>A program for its rules.</summary>
    public string Program { get; } = Path.Combine(Folder, $"{Leftovers.OwnFolderPrefix}pam-program");

    /// <summary>A file for that program to look for.</summary>
    public string Hang { get; } = Path.Combine(Folder, $"{Leftovers.OwnFolderPrefix}pam-hang");

    public void Dispose()
    {
        File.Delete(Path.Combine("/etc/pam.d", Name));
        File.Delete(Program);
        File.Delete(Hang);
    }
}
