using System.Text;
using PipeForkAs.LibC;
using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

/// <summary>Removes trees that another thread changes at the same time, as an attacker would who can write to a part of them.</summary>
public sealed class RemoveRaceTests : IDisposable
{
    private const int Beside = 10;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task A_directory_that_becomes_a_link_leads_nowhere()
    {
        Directory.CreateDirectory(folder["victim"]);
        await File.WriteAllTextAsync(folder["victim/file"], "");
        for (int round = 0; round < 200; round++)
        {
            for (int i = 0; i < Beside; i++)
                Directory.CreateDirectory(folder[$"tree/{i}/sub"]);
            await RemoveWhileAsync("tree", turn =>
            {
                // The directory makes room for a link, and comes back.
                string directory = $"tree/{turn % Beside}";
                Move(directory, "aside");
                if (TryLink(directory, folder["victim"]))
                    Libc.unlink(Bytes(directory));
                Move("aside", directory);
            });
            Assert.True(File.Exists(folder["victim/file"]), $"round {round}");
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_directory_that_is_moved_elsewhere_does_not_lead_the_removal_there()
    {
        // Deeper than the levels that are open at once, so that the removal comes back through the directory above.
        string above = "tree/" + string.Join('/', Enumerable.Repeat("d", 5)), inner = string.Join('/', Enumerable.Repeat("d", 20));
        for (int round = 0; round < 100; round++)
        {
            for (int i = 0; i < Beside; i++)
            {
                // The victim's folders have the names of those beside the moved one.
                Directory.CreateDirectory(folder[$"victim/{i}/kept"]);
                Directory.CreateDirectory(folder[$"{above}/{i}"]);
            }

            Directory.CreateDirectory(folder[$"{above}/m/{inner}"]);
            await RemoveWhileAsync("tree", _ =>
            {
                Move($"{above}/m", "victim/m");
                Move("victim/m", $"{above}/m");
            });
            Assert.All(Enumerable.Range(0, Beside), i => Assert.True(Directory.Exists(folder[$"victim/{i}/kept"]), $"round {round}"));
            Delete("victim/m");
        }
    }

    /// <summary>Removes the tree while another thread takes its turns. The removal may fail, but not remove anything else.</summary>
    private async Task RemoveWhileAsync(string tree, Action<int> turn)
    {
        using var isOver = new CancellationTokenSource();
        using var began = new SemaphoreSlim(0);
        Task attack = Task.Run(() =>
        {
            for (int i = 0; !isOver.IsCancellationRequested; i++)
            {
                turn(i);
                if (i == 0)
                    began.Release();
            }
        });
        try
        {
            await began.WaitAsync();
            Remove.Delete(new(folder[tree], Recursive: true), Failures.Context);
        }
        catch (JobException failure)
        {
            Assert.Contains(failure.Kind, new[] { "changed", "not-empty", "not-found", "not-a-directory", "too-many-links" });
        }
        finally
        {
            await isOver.CancelAsync();
            await attack;
        }

        Delete(tree);
        Delete("aside");
    }

    private void Delete(string name)
    {
        if (Directory.Exists(folder[name]))
            Directory.Delete(folder[name], recursive: true);
    }

    private void Move(string from, string to) => Libc.rename(Bytes(from), Bytes(to));

    private bool TryLink(string name, string target)
    {
        try
        {
            File.CreateSymbolicLink(folder[name], target);
            return true;
        }
        catch (IOException)
        {
            // The removal has taken the folder, or the directory did not make room.
            return false;
        }
    }

    private byte[] Bytes(string name) => Encoding.UTF8.GetBytes(folder[name]);
}
