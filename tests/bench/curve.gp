# Draws one scaling curve: gnuplot -e "data='x.dat'; plot_file='x.svg'; …" curve.gp
set terminal svg size 720,420 background "white" font "sans,13"
set output plot_file
set title plot_title
set xlabel "rows stored"
set ylabel y_label
set logscale xy
set format x "10^{%L}"
set grid
set key outside right noenhanced
plot for [i=0:lines-1] data index i using 1:2 with linespoints lw 2 pt 7 title columnheader(1)
