using System.Diagnostics;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>A file system of a user, mounted by fusermount3, that never answers one kind of request (Hostile/hang.c).</summary>
internal sealed class HangingFiles : IAsyncDisposable
{
    private readonly Process server;

    private HangingFiles(Process server, string folder) => (this.server, Folder) = (server, folder);

    /// <summary>The mount point.</summary>
    public string Folder { get; }

    /// <summary>Its only file.</summary>
    public string File => Path.Combine(Folder, "file");

    /// <summary>Mounts it.</summary>
    /// <param name="user">The owner.</param>
    /// <param name="request">The request without an answer: "open", "read" or "getattr".</param>
    public static async Task<HangingFiles> MountAsync(string user, string request)
    {
        string folder = Directory.CreateTempSubdirectory(Leftovers.OwnFolderPrefix).FullName;
        Libc.chmod(folder, 0x1ED); // 0755
        string program = Path.Combine(folder, "hang"), mount = Path.Combine(folder, "files");
        Directory.CreateDirectory(mount);
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "hang.c"), program);
        PasswordEntry entry = TestUsers.Entry(user);
        var server = Process.Start(new ProcessStartInfo(program, [mount, $"{entry.Uid}", $"{entry.Gid}", request])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("ready", await server.StandardOutput.ReadLineAsync());
        return new HangingFiles(server, mount);
    }

    /// <summary>Ends it: processes that wait for an answer get an error.</summary>
    public async ValueTask DisposeAsync()
    {
        server.StandardInput.Close();
        await server.WaitForExitAsync();
        server.Dispose();
        Directory.Delete(Path.GetDirectoryName(Folder)!, recursive: true);
    }
}
