using System.Diagnostics;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>
/// A disk of 16 MiB with ext4 that can hang: each write(2) to it waits in the kernel until <see cref="Thaw"/>; not even SIGKILL ends it.
/// </summary>
internal sealed class FreezableDisk : IDisposable
{
    private readonly string image;
    private bool isFrozen;

    /// <param name="folder">The folder for its image and <see cref="Path"/>.</param>
    public FreezableDisk(string folder)
    {
        image = System.IO.Path.Combine(folder, "disk.img");
        Path = System.IO.Path.Combine(folder, "disk");
        using (FileStream file = File.Create(image))
            file.SetLength(16 * 1024 * 1024);
        Directory.CreateDirectory(Path);
        Run("mkfs.ext4", "-q", "-F", image);
        Run("mount", "-o", "loop", image, Path);
    }

    /// <summary>The mount point: a folder of root.</summary>
    public string Path { get; }

    /// <summary>Makes writes hang.</summary>
    public void Freeze()
    {
        Run("fsfreeze", "--freeze", Path);
        isFrozen = true;
    }

    /// <summary>Lets them continue.</summary>
    public void Thaw()
    {
        if (!isFrozen)
            return;
        Run("fsfreeze", "--unfreeze", Path);
        isFrozen = false;
    }

    public void Dispose()
    {
        Thaw();
        Run("umount", "--lazy", Path);
        File.Delete(image);
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit {process.ExitCode}");
    }
}
