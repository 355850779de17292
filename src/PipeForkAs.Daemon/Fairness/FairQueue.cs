using System.Diagnostics.CodeAnalysis;

namespace PipeForkAs.Daemon.Fairness;

/// <summary>
/// A queue that serves its buckets in turn, and the items of one bucket in the order in which they came: an item that is the first of its
/// bucket waits for at most one item of each other bucket. For use on the loop. Allocates only where something waits.
/// </summary>
/// <typeparam name="T">What waits.</typeparam>
internal sealed class FairQueue<T>
{
    private readonly Dictionary<Bucket, Line> lines = [];

    /// <summary>The lines that hold items; the first one is served next.</summary>
    private readonly LinkedList<Line> turns = new();

    /// <summary>Items that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Items of one bucket that wait.</summary>
    public int CountOf(Bucket bucket) => lines.TryGetValue(bucket, out Line? line) ? line.Places.Count : 0;

    /// <summary>Adds an item at the end of its bucket's line.</summary>
    public Place Add(Bucket bucket, T item)
    {
        if (!lines.TryGetValue(bucket, out Line? line))
        {
            line = new Line();
            lines.Add(bucket, line);
            line.Turn = turns.AddLast(line);
        }

        var place = new Place(bucket, item);
        place.Node = line.Places.AddLast(place);
        Count++;
        return place;
    }

    /// <summary>Takes out the next item in turn. False where none waits.</summary>
    public bool TryTake([NotNullWhen(true)] out Place? taken)
    {
        taken = turns.First?.Value.Places.First?.Value;
        return taken is not null && Take(taken);
    }

    /// <summary>Takes out the next item in turn whose bucket may go now; the others keep their turns. False where there is none.</summary>
    public bool TryTake(Func<Bucket, bool> mayGo, [NotNullWhen(true)] out Place? taken)
    {
        for (LinkedListNode<Line>? turn = turns.First; turn is not null; turn = turn.Next)
        {
            taken = turn.Value.Places.First!.Value;
            if (mayGo(taken.Bucket))
                return Take(taken);
        }

        taken = null;
        return false;
    }

    /// <summary>Takes an item out of the queue. False where it does not wait any more.</summary>
    public bool Remove(Place place)
    {
        if (place.Node is not { List: { } places } node)
            return false;
        places.Remove(node);
        place.Node = null;
        Count--;
        if (places.Count == 0 && lines.Remove(place.Bucket, out Line? line))
            turns.Remove(line.Turn!);
        return true;
    }

    /// <summary>The newest item of the bucket with the most items; null where none waits. Takes time with the number of buckets.</summary>
    public Place? LastOfLongest() => turns.MaxBy(static line => line.Places.Count)?.Places.Last!.Value;

    private bool Take(Place place)
    {
        Line line = lines[place.Bucket];
        Remove(place);
        if (line.Places.Count > 0)
        {
            turns.Remove(line.Turn!);
            turns.AddLast(line.Turn!);
        }

        return true;
    }

    /// <summary>An item's place in the queue.</summary>
    internal sealed class Place(Bucket bucket, T item)
    {
        public Bucket Bucket { get; } = bucket;

        public T Item { get; } = item;

        internal LinkedListNode<Place>? Node { get; set; }
    }

    private sealed class Line
    {
        public LinkedList<Place> Places { get; } = new();

        public LinkedListNode<Line>? Turn { get; set; }
    }
}
