using System.Diagnostics.CodeAnalysis;

namespace PipeForkAs.Daemon.Fairness;

/// <summary>
/// A queue that serves its buckets in turn, and the items of one bucket in the order of their arrival: the first item of a bucket waits for
/// at most one item of each other bucket. For use on the loop. Allocates only if an item waits.
/// </summary>
/// <typeparam name="T">The type of the items.</typeparam>
internal sealed class FairQueue<T>
{
    private readonly Dictionary<Bucket, Line> lines = [];

    /// <summary>The lines that contain items; the first one is served next.</summary>
    private readonly LinkedList<Line> turns = new();

    /// <summary>The number of waiting items.</summary>
    public int Count { get; private set; }

    /// <summary>Returns the number of waiting items of one bucket.</summary>
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

    /// <summary>Takes out the next item in turn. Returns false if none waits.</summary>
    public bool TryTake([NotNullWhen(true)] out Place? taken)
    {
        taken = turns.First?.Value.Places.First?.Value;
        return taken is not null && Take(taken);
    }

    /// <summary>
    /// Takes out the next item in turn whose bucket may go now; the others keep their turns. Returns false if there is none.
    /// </summary>
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

    /// <summary>Removes an item from the queue. Returns false if it no longer waits.</summary>
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

    /// <summary>
    /// Returns the newest item of the bucket with the most items; null if none waits. The time grows with the number of buckets.
    /// </summary>
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

    /// <summary>The place of an item in the queue.</summary>
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
